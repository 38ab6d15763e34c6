import { type Measure, quantity } from './quantity.ts';

const MEBIBYTE = 1024 ** 2;

const SIZE: Measure = {
  expected: 'a size such as 512MiB',
  units: new Map([
    ['TiB', 1024 ** 4],
    ['TB', 1000 ** 4],
    ['GiB', 1024 ** 3],
    ['GB', 1000 ** 3],
    ['MiB', MEBIBYTE],
    ['MB', 1000 ** 2],
    ['KiB', 1024],
    ['kB', 1000],
    ['B', 1],
  ]),
};

/**
 * The size limit of a file, from `16MiB`, which has room both for what a tracer is working on and for what others wait for,
 * to `1024TiB`. Its output is in bytes.
 */
export function fileSize() {
  return quantity(SIZE, { min: 16 * MEBIBYTE, max: 1024 ** 5 });
}

/** The largest body of a request that can be allowed, in bytes. */
export const MAX_BODY = 256 * MEBIBYTE;

/** The size of a request's body, from `64KiB` to `256MiB`. Its output is in bytes. */
export function bodySize() {
  return quantity(SIZE, { min: 64 * 1024, max: MAX_BODY });
}
