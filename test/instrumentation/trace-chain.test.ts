import { context, type HrTime, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ChainRun, traceChain } from '../../src/instrumentation/trace-chain.ts';
import { VconOtelError } from '../../src/model/error.ts';
import { startSdk, type TestSdk } from '../support/sdk.ts';

let sdk: TestSdk;
beforeEach(() => {
  sdk = startSdk([]);
});
afterEach(() => sdk.shutdown());

const chain = { name: 'main', links: ['a', 'b'] };

function span(name: string): ReadableSpan {
  const found = sdk.spans().find((candidate) => candidate.name === name);
  if (!found) throw new Error(`there is no span ${name}`);
  return found;
}

describe('spans', () => {
  test('a chain is the parent, links and storages are its children, with the conserver names', async () => {
    await traceChain(chain, 'V', async (run) => {
      await run.link('a', (uuid) => uuid);
      await run.storage({ name: 's1', peerService: 'archive', dbSystemName: 'sqlite' }, () => {});
    });
    const root = span('vcon_processing.main');
    expect(root.parentSpanContext).toBeUndefined();
    expect(root.kind).toBe(SpanKind.INTERNAL);
    expect(root.attributes).toEqual({
      vcon_id: 'V',
      chain_name: 'main',
      'vcon.uuid': 'V',
      'vcon.chain.name': 'main',
      'vcon.chain.links': ['a', 'b'],
      'vcon.chain.outcome': 'complete',
      'vcon.out_uuid': 'V',
    });
    expect(span('link.a').parentSpanContext?.spanId).toBe(root.spanContext().spanId);
    expect(span('link.a').attributes).toEqual({
      vcon_id: 'V',
      chain_name: 'main',
      link_name: 'a',
      link_index: 0,
      'vcon.uuid': 'V',
      'vcon.chain.name': 'main',
      'vcon.link.name': 'a',
      'vcon.link.index': 0,
      'vcon.link.outcome': 'success',
      'vcon.out_uuid': 'V',
    });
    expect(span('storage.s1')).toMatchObject({
      kind: SpanKind.CLIENT,
      status: { code: SpanStatusCode.UNSET },
    });
    expect(span('storage.s1').parentSpanContext?.spanId).toBe(root.spanContext().spanId);
    expect(span('storage.s1').attributes).toEqual({
      vcon_id: 'V',
      chain_name: 'main',
      storage_name: 's1',
      'vcon.uuid': 'V',
      'vcon.chain.name': 'main',
      'vcon.storage.name': 's1',
      'peer.service': 'archive',
      'db.system.name': 'sqlite',
    });
  });

  test('a vCon off an ingress list makes a consumer span, linked to the chain that queued it', async () => {
    const queuedBy = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
    await traceChain({ ...chain, ingressList: 'default', queuedBy }, 'V', () => {});
    const root = span('vcon_processing.main');
    expect(root.kind).toBe(SpanKind.CONSUMER);
    expect(root.attributes['vcon.ingress_list']).toBe('default');
    expect(root.links.map((link) => link.context)).toEqual([{ ...queuedBy, isRemote: true }]);
    expect(root.spanContext().traceId).not.toBe(queuedBy.traceId);
  });

  test('a span made inside a link nests under the link, one made between links under the chain', async () => {
    const own = () => trace.getTracer('app').startSpan('GET');
    await traceChain(chain, 'V', async (run) => {
      await run.link('a', async (uuid) => {
        await Promise.resolve();
        own().end();
        return uuid;
      });
      own().end();
    });
    const [inside, between] = sdk.spans().filter(({ name }) => name === 'GET');
    expect(inside?.parentSpanContext?.spanId).toBe(span('link.a').spanContext().spanId);
    expect(between?.parentSpanContext?.spanId).toBe(span('vcon_processing.main').spanContext().spanId);
  });

  test('a link stays a child of its chain although another span is current', async () => {
    await traceChain(chain, 'V', (run) =>
      trace.getTracer('app').startActiveSpan('batch', async (batch) => {
        await run.link('a', (uuid) => uuid);
        batch.end();
      }),
    );
    expect(span('link.a').parentSpanContext?.spanId).toBe(span('vcon_processing.main').spanContext().spanId);
  });

  test('a chain inside an application span is its child', async () => {
    await trace.getTracer('app').startActiveSpan('request', async (request) => {
      await traceChain(chain, 'V', () => {});
      request.end();
    });
    expect(span('vcon_processing.main').parentSpanContext?.spanId).toBe(span('request').spanContext().spanId);
  });

  test('nothing stays current after a chain, whether it ended well or not', async () => {
    await traceChain(chain, 'V', () => {});
    await traceChain(chain, 'V', () => Promise.reject(new Error('on purpose'))).catch(() => {});
    expect(trace.getSpan(context.active())).toBeUndefined();
  });
});

describe('outcomes', () => {
  test('a changed uuid goes on with the next link and the storages', async () => {
    await traceChain(chain, 'V', async (run) => {
      expect(await run.link('a', () => 'N')).toBe('N');
      await run.link('b', (uuid) => uuid);
      await run.storage({ name: 's1' }, (uuid) => {
        expect(uuid).toBe('N');
      });
    });
    expect(span('link.a').attributes).toMatchObject({ vcon_id: 'V', 'vcon.out_uuid': 'N' });
    expect(span('link.b').attributes).toMatchObject({ vcon_id: 'N', 'vcon.out_uuid': 'N' });
    expect(span('storage.s1').attributes.vcon_id).toBe('N');
    expect(span('vcon_processing.main').attributes).toMatchObject({ vcon_id: 'V', 'vcon.out_uuid': 'N' });
  });

  test.each([[undefined], [null], [false], ['']] as const)(
    'a link that answers %j halts the chain',
    async (answer) => {
      await traceChain(chain, 'V', async (run) => {
        expect(await run.link('a', () => answer)).toBeUndefined();
        expect(run.outcome).toBe('halted');
        await expect(run.link('b', (uuid) => uuid)).rejects.toThrow(VconOtelError);
      });
      expect(span('link.a').attributes['vcon.link.outcome']).toBe('halt');
      expect(span('link.a').status.code).toBe(SpanStatusCode.UNSET);
    },
  );

  test.each([[true], [7], [{}], ['{"uuid":"V"}'], ['two words'], ['a@example.com'], ['x'.repeat(129)]])(
    'a link that answers %j fails',
    async (answer) => {
      // A link written in JavaScript can answer with anything.
      const link = () => answer as unknown as string;
      await expect(traceChain(chain, 'V', (run) => run.link('a', link))).rejects.toMatchObject({
        code: 'LINK_RESULT_INVALID',
      });
      expect(span('link.a').attributes['error.type']).toBe('LINK_RESULT_INVALID');
    },
  );

  test.each([
    ['an error', new TypeError('Call +15550100 failed'), 'TypeError'],
    ['a system error', Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    ['a string', 'Call +15550100 failed', 'string'],
    ['null', null, 'null'],
    ['undefined', undefined, 'undefined'],
    [
      'an error with a sentence for a name',
      Object.assign(new Error('x'), { name: 'Call +15550100' }),
      '_OTHER',
    ],
    [
      'a hostile object',
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('no');
          },
        },
      ),
      '_OTHER',
    ],
  ])('a link that throws %s is an error with a type and nothing of its message', async (_, thrown, type) => {
    const failing = traceChain(chain, 'V', (run) =>
      run.link('a', () => {
        throw thrown;
      }),
    );
    expect(
      await failing.then(
        () => 'no error',
        (error: unknown) => Object.is(error, thrown),
      ),
    ).toBe(true);
    for (const name of ['link.a', 'vcon_processing.main']) {
      expect(span(name).status.code).toBe(SpanStatusCode.ERROR);
      expect(span(name).attributes['error.type']).toBe(type);
    }
    expect(span('link.a').events.map((event) => [event.name, event.attributes])).toEqual([
      ['exception', { 'exception.type': type, 'exception.message': `link a failed: ${type}` }],
    ]);
    expect(span('vcon_processing.main').events).toEqual([]);
    expect(span('vcon_processing.main').attributes['vcon.chain.outcome']).toBe('error');
  });

  test('a stack is added on request, without the message that heads it', async () => {
    const failing = traceChain({ ...chain, stackTraces: true }, 'V', () => {
      throw new TypeError('Call\n    +15550100 failed');
    });
    await expect(failing).rejects.toThrow();
    const [exception] = span('vcon_processing.main').events;
    expect(exception?.attributes?.['exception.stacktrace']).toMatch(/^TypeError\n {4}at /);
    expect(JSON.stringify(exception)).not.toContain('15550100');
  });

  test('a storage that fails is an error of its own and none of the chain', async () => {
    const error = new Error('on purpose');
    await traceChain(chain, 'V', async (run) => {
      expect(await run.storage({ name: 's1' }, () => Promise.reject(error))).toEqual({
        outcome: 'error',
        error,
      });
      expect(await run.storage({ name: 's2' }, () => {})).toEqual({ outcome: 'success' });
    });
    expect(span('storage.s1').status.code).toBe(SpanStatusCode.ERROR);
    expect(span('vcon_processing.main').status.code).toBe(SpanStatusCode.UNSET);
  });

  test('a chain whose body forgives a failed link is still an error', async () => {
    await traceChain(chain, 'V', (run) =>
      run.link('a', () => Promise.reject(new Error('on purpose'))).catch(() => {}),
    );
    expect(span('vcon_processing.main').attributes['vcon.chain.outcome']).toBe('error');
  });
});

describe('use', () => {
  test('links keep their place in the configured list although some are left out', async () => {
    await traceChain({ name: 'main', links: ['a', 'b', 'a'] }, 'V', async (run) => {
      await run.link('b', (uuid) => uuid);
      await run.link('a', (uuid) => uuid);
    });
    expect(span('link.b').attributes.link_index).toBe(1);
    expect(span('link.a').attributes.link_index).toBe(2);
  });

  test('links may run in another order, or twice if they are listed twice', async () => {
    await traceChain({ name: 'main', links: ['a', 'b', 'a'] }, 'V', async (run) => {
      for (const name of ['b', 'a', 'a']) await run.link(name, (uuid) => uuid);
    });
    expect(sdk.spans().map(({ attributes }) => attributes.link_index)).toEqual([1, 2, 0, undefined]);
  });

  test('a link that the chain does not list is refused: its index could be the completion', async () => {
    await expect(traceChain(chain, 'V', (run) => run.link('extra', (uuid) => uuid))).rejects.toMatchObject({
      code: 'LINK_UNKNOWN',
    });
  });

  test.each(['', 7 as unknown as string])('a chain or storage called %j is refused', async (name) => {
    await expect(traceChain({ name, links: [] }, 'V', () => {})).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await expect(traceChain(chain, 'V', (run) => run.storage({ name }, () => {}))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  test('it returns what the body returns', async () => {
    expect(await traceChain(chain, 'V', () => 42)).toBe(42);
  });

  test('a run that has ended takes no more links', async () => {
    let kept: ChainRun | undefined;
    await traceChain(chain, 'V', (run) => {
      kept = run;
    });
    await expect(kept?.link('a', (uuid) => uuid)).rejects.toMatchObject({ code: 'CHAIN_CLOSED' });
    await expect(kept?.storage({ name: 's1' }, () => {})).rejects.toMatchObject({ code: 'CHAIN_CLOSED' });
  });

  test.each([undefined, '', '{}', 'two words'])(
    'a chain with the uuid %j is refused before anything is recorded',
    async (uuid) => {
      const given = uuid as string;
      await expect(traceChain(chain, given, () => {})).rejects.toMatchObject({ code: 'VCON_INVALID' });
      expect(sdk.spans()).toEqual([]);
    },
  );

  test('without an SDK everything runs and nothing is recorded', async () => {
    await sdk.shutdown();
    expect(await traceChain(chain, 'V', (run) => run.link('a', () => 'N'))).toBe('N');
  });

  test('a span lasts as long as its step', async () => {
    await traceChain(chain, 'V', (run) => run.link('a', (uuid) => uuid));
    const at = ([seconds, nanoseconds]: HrTime) => BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
    expect(at(span('link.a').startTime)).toBeGreaterThanOrEqual(at(span('vcon_processing.main').startTime));
    expect(at(span('link.a').endTime)).toBeLessThanOrEqual(at(span('vcon_processing.main').endTime));
  });
});
