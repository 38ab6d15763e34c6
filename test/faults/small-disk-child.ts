import { execFileSync } from 'node:child_process';
import { say } from './say.ts';

// Mounts a small disk where nobody else sees it, and keeps it there as long as it lives.

const [path = '', size = ''] = process.argv.slice(2);
execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]);
say({ mounted: true });
setInterval(() => {}, 2 ** 30);
