import { describe, expect, test } from 'vitest';
import { Batches } from '../../src/model/batches.ts';
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
    await expect(added[5]).rejects.toMatchObject({ code: 'TRACER_FAILED' });
    await release();
    expect(await outcomes(added)).toBe('ok,ok,ok,ok,ok,failed');
  });

  test('fails with its batch, and the next batch is tried', async () => {
    const { batches, release } = held();
    const added = ['a', 'bad', 'b', 'c'].map((item) => batches.add(item));
    await Promise.all([release(), expect(added[0]).rejects.toThrow(RangeError)]);
    expect(await outcomes(added)).toBe('failed,failed,failed,ok');
  });

  test('fails alone where a batch can be divided, and the others keep their order', async () => {
    const { batches, written, release } = held({ maxBatch: 10, maxWaiting: 10, divides: true });
    const added = ['a', 'b', 'bad 1', 'c', 'd', 'e', 'bad 2'].map((item) => batches.add(item));
    await Promise.all([release(), outcomes(added)]);
    expect(await outcomes(added)).toBe('ok,ok,failed,ok,ok,ok,failed');
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
