import { describe, expect, test } from 'vitest';
import { withoutSecrets } from '../../../src/config/redact.ts';
import { checkTracerOptions } from '../../../src/delivery/create-tracer.ts';
import dbAudit from '../../../src/tracers/db-audit.ts';

const check = (options: Record<string, unknown>) =>
  checkTracerOptions({ name: 'mine', module: dbAudit, options });
const documented = { host: 'db', database: 'audit', user: 'writer', password: 'p' };
const target = {
  driver: 'postgres',
  host: 'db',
  port: 5432,
  database: 'audit',
  user: 'writer',
  password: 'p',
  ssl: false,
  ssl_ca_file: undefined,
  table: 'vcon_events',
};

const ENCODED =
  'url: expected a URL whose password is percent-encoded: % is %25, / is %2F, ? is %3F, # is %23, @ is %40';

describe('the options', () => {
  test('without a URL, the documented names stand for those that are not given', () => {
    expect(check({ password: 'secret' }).options).toMatchObject({
      driver: 'postgres',
      host: '127.0.0.1',
      database: 'audit',
      user: 'audit',
      table: 'vcon_events',
    });
  });

  test.each([
    ['those that the conserver documents', documented, target],
    [
      'a port and a table with a schema',
      { ...documented, port: 6432, table: 'audit.v1' },
      { ...target, port: 6432, table: 'audit.v1' },
    ],
    ['a URL', { url: 'postgres://writer:p@db/audit' }, target],
    [
      'a URL with everything encoded',
      { url: 'postgresql://wr%40iter:p%2F%3A@db:1/au%20dit' },
      { ...target, user: 'wr@iter', password: 'p/:', port: 1, database: 'au dit' },
    ],
    ['a URL of an IPv6 address', { url: 'postgres://writer:p@[::1]/audit' }, { ...target, host: '::1' }],
    ['a URL of a socket', { url: 'postgres://writer:p@%2Fvar%2Frun/audit' }, { ...target, host: '/var/run' }],
    ['a URL and its password apart', { url: 'postgres://writer@db/audit', password: 'p' }, target],
    [
      'a URL that wants TLS',
      { url: 'postgres://writer:p@db/audit?sslmode=require' },
      { ...target, ssl: true },
    ],
    ['a URL that does not', { url: 'postgres://writer:p@db/audit?sslmode=disable' }, target],
    ['nothing', {}, { driver: 'sqlite', path: './data/db-audit.db', table: 'vcon_events' }],
    [
      'a file',
      { driver: 'sqlite', database: './x.db', table: 't' },
      { driver: 'sqlite', path: './x.db', table: 't' },
    ],
    ['a file alone', { database: './x.db' }, { driver: 'sqlite', path: './x.db', table: 'vcon_events' }],
    [
      'a relative sqlite: URL',
      { url: 'sqlite:./x.db' },
      { driver: 'sqlite', path: './x.db', table: 'vcon_events' },
    ],
    ['an absolute one', { url: 'sqlite:///x.db' }, { driver: 'sqlite', path: '/x.db', table: 'vcon_events' }],
  ])('%s are understood', (_what, given, expected) => {
    expect(check(given)).toEqual({ options: expected, failClosed: false, faults: [] });
  });

  test.each([
    [
      'a URL without either',
      { url: 'postgres://db' },
      ['url: expected the name of a database', 'url: expected the name of a user'],
    ],
    [
      'a URL and a host',
      { url: 'postgres://writer@db/audit', host: 'db' },
      ['host: expected no url beside it'],
    ],
    [
      'a URL of something else',
      { url: 'mysql://writer@db/audit' },
      ['url: expected postgres://user:password@host:port/database'],
    ],
    [
      'a URL that is none',
      { driver: 'postgres', url: 'canary' },
      ['url: expected postgres://user:password@host:port/database'],
    ],
    ['a URL that is badly encoded', { url: 'postgres://wri%ter@db/audit' }, [ENCODED]],
    ['a URL that is cut off in its password', { url: 'postgres://writer:1/2@db/audit' }, [ENCODED]],
    [
      'a URL with more parameters',
      { url: 'postgres://writer@db/audit?options=x' },
      ['url: expected no parameter but sslmode'],
    ],
    [
      'TLS that is not verified',
      { url: 'postgres://writer@db/audit?sslmode=prefer' },
      ['url: expected sslmode disable, require, verify-ca or verify-full'],
    ],
    ['a file and a host', { driver: 'sqlite', host: 'db' }, ['host: expected a PostgreSQL database']],
    ['a file and TLS', { driver: 'sqlite', ssl: true }, ['ssl: expected a PostgreSQL database']],
    ['a file and a schema', { table: 'audit.x' }, ['table: expected a name without a schema']],
    [
      'a table of SQLite’s own',
      { table: 'sqlite_events' },
      ['table: expected a name that SQLite does not keep for itself'],
    ],
    ['a file twice', { url: 'sqlite:x', database: 'x' }, ['database: expected no url beside it']],
    [
      'certificates without TLS',
      { ...documented, ssl_ca_file: 'x' },
      ['ssl_ca_file: expected ssl: true beside it'],
    ],
    [
      'a table in capitals',
      { ...documented, table: 'Events' },
      ['table: expected lower-case letters, digits and _, such as vcon_events or audit.vcon_events'],
    ],
    [
      'a table that is SQL',
      { ...documented, table: 'x"; DROP TABLE y; --' },
      ['table: expected lower-case letters, digits and _, such as vcon_events or audit.vcon_events'],
    ],
    [
      'a table in three parts',
      { ...documented, table: 'a.b.c' },
      ['table: expected lower-case letters, digits and _, such as vcon_events or audit.vcon_events'],
    ],
    [
      'a table of 64 letters',
      { ...documented, table: 'a'.repeat(64) },
      ['table: expected lower-case letters, digits and _, such as vcon_events or audit.vcon_events'],
    ],
    ['an unknown option', { ...documented, hots: 'db' }, ['hots: unknown key, did you mean `host`?']],
    ['a port in quotes', { ...documented, port: '5432' }, ['port: expected number, got string']],
  ])('%s is refused with its path', (_what, given, expected) => {
    const told = check(given).faults.map(({ path, message }) =>
      `${path.replace(/^tracers\.mine\.options\.?/, '')}: ${message}`.replace(/^: /, ''),
    );
    expect(told).toEqual(expected);
  });

  test('print without their secrets', () => {
    const url = 'postgres://writer:canary@db/audit?sslmode=require';
    const shown = withoutSecrets(
      { tracers: { a: { options: { ...documented, password: 'canary', url } } } },
      new Set(),
    );
    expect(JSON.stringify(shown)).not.toContain('canary');
    expect(shown).toMatchObject({ tracers: { a: { options: { host: 'db', password: '[redacted]' } } } });
  });
});
