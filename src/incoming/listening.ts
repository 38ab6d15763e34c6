import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { port, text } from '../model/options/values.ts';
import { hasToken, type Tokens } from './bearer.ts';

/** The options of everything that listens. */
export function doorway(defaultPort: number) {
  return {
    host: text.default('127.0.0.1'),
    port: port.default(defaultPort),
    // An empty one is none, as `${TOKEN:-}` has it.
    token: z.string().optional(),
    allow_anonymous: z.boolean().optional(),
  };
}

/** The options of everything that a browser could be made to ask. */
export function listening(defaultPort: number) {
  return {
    ...doorway(defaultPort),
    allowed_hosts: z.array(text).optional(),
  };
}

/** What of these options says who may come in. */
export interface Door extends Tokens {
  readonly host: string;
  readonly allow_anonymous?: boolean | undefined;
  readonly tls?: { readonly client_ca?: string | undefined } | undefined;
}

/** Refuses options with which anybody could come in from another machine, unless it is written there that anybody may. */
export function closed<Schema extends z.ZodType<Door>>(schema: Schema): Schema {
  return schema.refine((door) => door.allow_anonymous === true || !isOpen(door), {
    path: ['host'],
    error:
      'can be reached from other machines, and nobody is asked for a token: set `token`, or write `allow_anonymous: true`',
  });
}

/** What is to be said of a door that is open on purpose. */
export function openDoors(door: Door): string[] {
  return isOpen(door)
    ? [`whoever reaches ${door.host} may come in: no token is asked for (allow_anonymous)`]
    : [];
}

function isOpen(door: Door): boolean {
  return !isLoopback(door.host) && !hasToken(door) && door.tls?.client_ca === undefined;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host.toLowerCase() === 'localhost';
  return LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4');
}
