import { describe, expect, test } from 'vitest';
import { Batches, PartlyWritten } from '../../src/persistence/batches.ts';
import { turns } from '../support/random-chain.ts';

/** Batches whose writes wait until they are released. */
function held(settings: { maxBatch?: number; maxWaiting?: number; divides?: boolean } = {}) {
  const { maxBatch = 3, maxWaiting = 5, divides = false } = settings;
  const written: string[][] = [];
  const releases: (() => void)[] = [];
  const batches = new Batches<string>({
    maxBatch,
    maxWaiting,
    divides: () => divides,
    write: async (batch) => {
      await new Promise<void>((resolve) => releases.push(resolve));
      if (batch.some((item) => item.startsWith('bad'))) throw new RangeError('on purpose');
      written.push([...batch]);
    },
  });
  /** Lets every write happen, until none is left. */
  const release = async () => {
    for (let idle = 0; idle < 3; idle += 1) {
      await turns(1);
      if (releases.length > 0) idle = 0;
      for (const go of releases.splice(0)) go();
    }
  };
  return { batches, written, release };
}

/** To be called before anything can fail: a rejection that nobody awaits ends the test run. */
const outcomes = async (promises: readonly Promise<void>[]) =>
  (await Promise.allSettled(promises)).map(({ status }) => (status === 'fulfilled' ? 'ok' : 'failed')).join();

describe('what is added', () => {
  test('in one turn goes together, and what comes meanwhile next, in its order', async () => {
    const { batches, written, release } = held();
    const added = ['a', 'b'].map((item) => batches.add(item));
    await turns(2);
    added.push(...['c', 'd', 'e', 'f'].map((item) => batches.add(item)));
    await release();
    expect(await outcomes(added)).toBe('ok,ok,ok,ok,ok,ok');
    expect(written).toEqual([['a', 'b'], ['c', 'd', 'e'], ['f']]);
  });

  test('has a bound, beyond which it is refused', async () => {
    const { batches, release } = held();
    const added = ['a', 'b', 'c', 'd', 'e', 'f'].map((item) => batches.add(item));
    const settled = outcomes(added);
    await expect(added[5]).rejects.toMatchObject({ code: 'TRACER_FAILED' });
    await release();
    expect(await settled).toBe('ok,ok,ok,ok,ok,failed');
  });

  test('fails with its batch, and the next batch is tried', async () => {
    const { batches, release } = held();
    const added = ['a', 'bad', 'b', 'c'].map((item) => batches.add(item));
    const settled = outcomes(added);
    await Promise.all([release(), expect(added[0]).rejects.toThrow(RangeError)]);
    expect(await settled).toBe('failed,failed,failed,ok');
  });

  test('fails alone where a batch can be divided, and the others keep their order', async () => {
    const { batches, written, release } = held({ maxBatch: 10, maxWaiting: 10, divides: true });
    const added = ['a', 'b', 'bad 1', 'c', 'd', 'e', 'bad 2'].map((item) => batches.add(item));
    const settled = outcomes(added);
    await release();
    expect(await settled).toBe('ok,ok,failed,ok,ok,ok,failed');
    expect(written.flat()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});

describe('the end', () => {
  test('flush resolves when what was accepted before it is settled, well or not', async () => {
    const { batches, release } = held();
    const added = ['bad', 'b'].map((item) => batches.add(item).catch(() => undefined));
    let flushed = false;
    const flush = batches.flush().then(() => {
      flushed = true;
    });
    await turns(3);
    expect(flushed).toBe(false);
    await release();
    await Promise.all([flush, ...added]);
  });

  test('close refuses what comes later, and is safe twice', async () => {
    const { batches, written, release } = held();
    const added = batches.add('a');
    const closed = Promise.all([batches.close(), batches.close()]);
    await expect(batches.add('b')).rejects.toMatchObject({ code: 'TRACER_FAILED' });
    await release();
    await Promise.all([closed, added]);
    expect(written).toEqual([['a']]);
  });

  test('of nothing is at once', async () => {
    const { batches } = held();
    await batches.flush();
    await batches.close();
  });
});

test('of a batch that was written in part the first items are done, and the others failed', async () => {
  const batches = new Batches<string>({
    maxBatch: 10,
    maxWaiting: 10,
    divides: () => true,
    write: () => Promise.reject(new PartlyWritten(2, new RangeError('full'))),
  });
  const added = ['a', 'b', 'c', 'd'].map((item) => batches.add(item));
  expect(await outcomes(added)).toBe('ok,ok,failed,failed');
  await expect(added[3]).rejects.toThrow(RangeError);
});

test('a refusal has the code that was asked for', async () => {
  const batches = new Batches<string>({
    maxBatch: 1,
    maxWaiting: 1,
    refusal: 'FILE_UNUSABLE',
    write: async () => undefined,
  });
  await batches.close();
  await expect(batches.add('a')).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
});

test('an eager first batch does not wait for the end of the turn, and later ones gather what came meanwhile', async () => {
  const written: string[][] = [];
  const batches = new Batches<string>({
    maxBatch: 10,
    maxWaiting: 10,
    eager: true,
    write: async (batch) => {
      written.push([...batch]);
      await turns(1);
    },
  });
  const added = ['a', 'b'].map((item) => batches.add(item));
  await Promise.resolve();
  await Promise.resolve();
  expect(written).toEqual([['a', 'b']]);
  added.push(...['c', 'd'].map((item) => batches.add(item)));
  await Promise.all(added);
  expect(written).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ]);
});

test('what waits behind a write that never ends is refused when the patience for closing is over', async () => {
  const { batches, written, release } = held({ maxBatch: 1 });
  const added = ['a', 'b', 'c'].map((item) => batches.add(item));
  const ended = outcomes(added);
  await turns(2);
  await batches.close(10);
  await expect(added[2]).rejects.toThrow('closed');
  await release();
  expect(await ended).toBe('ok,failed,failed');
  expect(written).toEqual([['a']]);
});
