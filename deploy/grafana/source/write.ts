import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DASHBOARDS, textOf } from './dashboards.ts';

/** `npm run dashboards`: writes the files that Grafana reads. */
for (const dashboard of DASHBOARDS)
  writeFileSync(join(import.meta.dirname, '../dashboards', `${dashboard.uid}.json`), textOf(dashboard));
