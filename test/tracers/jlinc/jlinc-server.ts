import { generateKeyPairSync, hash, type KeyObject, randomUUID, sign } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import type { ApiCall } from '../../../src/tracers/jlinc/api.ts';
import { MISBEHAVIOURS, startServer } from '../../outgoing/misbehaving-server.ts';

/** How the server may misbehave: as any server does, or as only a JLINC does. */
export type Fault =
  | Exclude<keyof typeof MISBEHAVIOURS, 'large answer' | 'no http'>
  | 500
  | 429
  | 401
  | 403
  | 404
  | 'html'
  | 'truncated json'
  | 'no didDoc'
  | 'no domains';

/** What a request is about. */
export interface Asked {
  readonly call: ApiCall;
  /** The short name of an entity or the id of a record; empty for domains. */
  readonly about: string;
}

/** What to do about a request; `after`: once it has been carried out, so that only the answer is lost. */
export interface Misbehaviour {
  readonly fault: Fault;
  readonly after?: boolean;
}

const Produce = z.strictObject({
  type: z.literal('data'),
  senderShortName: z.string(),
  recipientShortName: z.string(),
  agreementId: z.string(),
  data: z.unknown(),
  meta: z.strictObject({
    in_vcon_uuid: z.string(),
    out_vcon_uuid: z.string(),
    record_id: z.string(),
    outcome: z.enum(['success', 'halt', 'unknown']).optional(),
    inferred: z.array(z.string()).optional(),
  }),
  archive: z.strictObject({ url: z.string(), key: z.string() }),
});
/** An event as it was asked for. */
export type Produced = z.output<typeof Produce>;

interface Entity {
  readonly didDoc: Record<string, unknown> & { readonly id: string };
  readonly key: KeyObject;
  readonly x: string;
}

/** A small JLINC data store with real Ed25519 keys, in the shapes of the genuine one, that misbehaves on command. */
export class JlincServer {
  /** What it answers a request with instead of what is right. */
  misbehave: (asked: Asked) => Misbehaviour | undefined = () => undefined;
  /** Changes the answer to `event/produce`. */
  forge: (answer: Record<string, unknown>) => unknown = (answer) => answer;
  /** Events, in the order in which they came. */
  readonly events: Produced[] = [];
  /** Calls, in the order in which they came. */
  readonly calls: Asked[] = [];
  /** Authorization headers that were sent. */
  readonly authorizations = new Set<string | undefined>();
  readonly #entities = new Map<string, Entity>();
  #server: Awaited<ReturnType<typeof startServer>> | undefined;

  async start(): Promise<this> {
    this.#server = await startServer((response, { path, body, headers }) => {
      this.authorizations.add(headers.authorization);
      this.#handle(response, path, JSON.parse(body));
    });
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server?.port}`;
  }

  /** Short names of the entities that were made. */
  get entities(): string[] {
    return [...this.#entities.keys()];
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  create(shortName: string): Entity {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const id = `did:jlinc:fedid-server%3A8881:${randomUUID()}`;
    const created = '2025-08-08T14:22:19Z';
    const x = String(publicKey.export({ format: 'jwk' }).x);
    const method = { id: '#1', key: x, type: 'device', created, controller: id, deactivated: null };
    const didDoc = { id, created, shortName, deactivated: false, verificationMethod: [method] };
    const entity = { didDoc, key: privateKey, x };
    this.#entities.set(shortName, entity);
    return entity;
  }

  #handle(response: ServerResponse, path = '', body: Record<string, unknown>): void {
    const call = path.replace('/api/v1/data/', '') as ApiCall;
    const meta = body.meta as Produced['meta'] | undefined;
    const asked = { call, about: String(body.shortName ?? meta?.record_id ?? '') };
    this.calls.push(asked);
    const { fault, after = false } = this.misbehave(asked) ?? {};
    const answer = fault === undefined || after ? this.#carryOut(call, body) : undefined;
    if (fault === undefined) json(response, answer);
    else fail(response, fault);
  }

  #carryOut(call: ApiCall, body: Record<string, unknown>): unknown {
    const shortName = String(body.shortName);
    switch (call) {
      case 'entity/domains/get':
        return ['vcon.local', 'other.local'];
      case 'entity/get':
        return { didDoc: this.#entities.get(shortName)?.didDoc };
      case 'entity/create':
        // Somebody else was faster.
        if (this.#entities.has(shortName)) return { error: 'exists' };
        return { didDoc: this.create(shortName).didDoc };
      case 'event/produce':
        return this.forge(this.#produce(Produce.parse(body)));
    }
  }

  #produce(event: Produced): Record<string, unknown> {
    this.events.push(event);
    const sender = this.#entities.get(event.senderShortName);
    const recipient = this.#entities.get(event.recipientShortName);
    if (!sender || !recipient) return { error: 'no such entity' };
    const eventId = randomUUID();
    const created = {
      version: 1,
      eventId,
      type: event.type,
      senderId: sender.didDoc.id,
      recipientId: recipient.didDoc.id,
      agreementId: event.agreementId,
      created: Date.now(),
      data: event.data,
    };
    const digest = hash('sha256', canonicalize(created) ?? '');
    const audit = { version: 1, hashType: 'SHA256', digest, created: Date.now(), eventId };
    const signatures = [
      { version: 1, id: sender.didDoc.id, signedOn: Date.now(), type: 'JWS/JCS', jws: jws(audit, sender) },
    ];
    return { created, processed: { auditData: { audit, signatures, meta: event.meta } } };
  }
}

function jws(audit: unknown, { key, x, didDoc }: Entity): string {
  const header = { alg: 'EdDSA', typ: 'JWT', jwk: { kty: 'OKP', crv: 'Ed25519', x, kid: didDoc.id } };
  const signed = [JSON.stringify(header), canonicalize(audit) ?? '']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
  return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`;
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
}

function fail(response: ServerResponse, fault: Fault): void {
  switch (fault) {
    case 'html':
      response.end('<html><body>Down for maintenance</body></html>');
      break;
    case 'truncated json':
      response.end('{"created":{"version":1,"eventId":"0fb26e5a');
      break;
    case 'no didDoc':
      json(response, { error: 'unknown entity' });
      break;
    case 'no domains':
      json(response, []);
      break;
    case 429:
      response.writeHead(429, { 'retry-after': '0' }).end('{"error":"slow down"}');
      break;
    case 500:
    case 401:
    case 403:
    case 404:
      response.writeHead(fault).end('error');
      break;
    default:
      MISBEHAVIOURS[fault](response);
  }
}
