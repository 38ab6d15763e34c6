import { accessSync, constants, statSync } from 'node:fs';
import { errorType } from '../model/error.ts';
import { type Finding, fault, ok } from '../model/finding.ts';
import type { Probes } from './probe.ts';
import { withRedisServer } from './redis-server.ts';

/** Whether tracers can look up vCons. */
export const vconStoreProbes: Probes = ({ config: { vcon_store: store } }, timeout) => [
  {
    about: 'vcon_store',
    look: async () => {
      switch (store.type) {
        case 'memory':
          return [ok('is in memory: tracers find the vCons of this process only')];
        case 'directory':
          return [folder(store.path)];
        case 'redis':
          return withRedisServer(store.url, timeout, async ({ place, version }) => [
            ok(`Redis ${version} at ${place} answers`),
          ]);
      }
    },
  },
];

function folder(path: string): Finding {
  try {
    accessSync(path, constants.R_OK | constants.X_OK);
    if (statSync(path).isDirectory()) return ok(`${path} can be read`);
    return fault(`${path} is not a folder`, 'name the folder of the vCons');
  } catch (error) {
    return fault(`${path} cannot be read (${errorType(error)})`, 'name the folder of the vCons');
  }
}
