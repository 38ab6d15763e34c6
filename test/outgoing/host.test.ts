import { expect, test } from 'vitest';
import { checkTracerOptions } from '../../src/delivery/create-tracer.ts';
import { isHost, plainHost } from '../../src/outgoing/host.ts';
import externalAudit from '../../src/tracers/external-audit.ts';
import jlinc from '../../src/tracers/jlinc.ts';

test.each([
  ['jlinc-server', 'jlinc-server'],
  ['Jlinc-Server.', 'jlinc-server'],
  ['jlinc_server', 'jlinc_server'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['10.0.0.1', '10.0.0.1'],
  ['0x7f.1', '127.0.0.1'],
  ['[::1]', '::1'],
  ['0:0::1', '::1'],
])('%s is the host %s', (text, host) => {
  expect(plainHost(text)).toBe(host);
});

test.each([
  '',
  'jlinc-server:9090',
  'http://jlinc-server',
  'h/x',
  'u@h',
  'h?',
  'h#',
  'a b',
  '[::1]:80',
  '10.0.0.0/8',
])('%j is no host', (text) => {
  expect(isHost(text)).toBe(false);
});

test.each([
  ['jlinc', jlinc, {}],
  ['external_audit', externalAudit, { api_url: 'http://h/', system_id: 's' }],
])('%s refuses an allowed host that could never be one, with its path', (name, module, options) => {
  const given = { ...options, allow_private_hosts: ['h', 'h:9090'] };
  expect(checkTracerOptions({ name, module, options: given }).faults).toEqual([
    { path: `tracers.${name}.options.allow_private_hosts.1`, message: 'expected a host without a port' },
  ]);
});
