import { formatQuantity, type Measure, quantity } from './quantity.ts';

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
 * The size of a file that is kept within it, from `16MiB`, in which what a tracer has in hand has its place beside what others
 * wait for, to `1024TiB`. Its output is in bytes.
 */
export function fileSize() {
  return quantity(SIZE, { min: 16 * MEBIBYTE, max: 1024 ** 5 });
}

/** The size of a request's body, from `64KiB` to `256MiB`. Its output is in bytes. */
export function bodySize() {
  return quantity(SIZE, { min: 64 * 1024, max: 256 * MEBIBYTE });
}

/** Writes bytes as a configuration has them: `536870912` is `512MiB`. */
export function formatSize(bytes: number): string {
  return formatQuantity(bytes, SIZE);
}
