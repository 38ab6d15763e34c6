import { z } from 'zod';
import type { JlincApi } from './api.ts';
import { type Entity, readEntity } from './entity.ts';
import { JlincError } from './failure.ts';
import { RefusedError } from './refused-error.ts';

/** How many entities are remembered; any other is fetched again. */
const MAX_ENTITIES = 1_000;

const Domains = z.array(z.string().regex(/^[\w.:-]{1,253}$/)).min(1);

/**
 * The entities of one data store, each fetched once, and created if it does not exist. A caller who asks for an entity that
 * is being fetched waits for that fetch.
 */
export class Entities {
  readonly #api: JlincApi;
  readonly #found = new Map<string, Promise<Entity>>();
  #domain: Promise<string> | undefined;

  constructor(api: JlincApi) {
    this.#api = api;
  }

  /**
   * @param name short name without `@domain`
   * @throws JlincError, OutgoingError, RefusedError
   */
  async entity(name: string): Promise<Entity> {
    const shortName = `${name}@${await this.#getDomain()}`;
    const found = this.#found.get(shortName) ?? this.#fetch(shortName);
    // The most recently used is forgotten last.
    this.#found.delete(shortName);
    this.#found.set(shortName, found);
    for (const oldest of this.#found.keys()) {
      if (this.#found.size <= MAX_ENTITIES) break;
      this.#found.delete(oldest);
    }
    try {
      return await found;
    } catch (error) {
      if (this.#found.get(shortName) === found) this.#found.delete(shortName);
      throw error;
    }
  }

  async #getDomain(): Promise<string> {
    this.#domain ??= this.#fetchDomain();
    const asked = this.#domain;
    try {
      return await asked;
    } catch (error) {
      if (this.#domain === asked) this.#domain = undefined;
      throw error;
    }
  }

  async #fetchDomain(): Promise<string> {
    const { data: [first] = [] } = Domains.safeParse(
      await this.#api.call('entity/domains/get', '{}', 'domains'),
    );
    if (first === undefined) throw new JlincError('NO_DOMAIN', 'the data store has no domain');
    return first;
  }

  async #fetch(shortName: string): Promise<Entity> {
    const body = JSON.stringify({ shortName });
    const get = async () =>
      readEntity(shortName, await this.#api.call('entity/get', body, `get ${shortName}`));
    const found = (await get()) ?? (await this.#create(shortName, body)) ?? (await get());
    if (!found) throw new JlincError('NO_ENTITY', 'the data store neither has an entity nor creates it');
    return found;
  }

  /** @returns undefined if it was not created: somebody else may have created it in the meantime */
  async #create(shortName: string, body: string): Promise<Entity | undefined> {
    try {
      return readEntity(shortName, await this.#api.call('entity/create', body, `create ${shortName}`));
    } catch (error) {
      if (error instanceof RefusedError && CONFLICTS.has(error.code)) return undefined;
      throw error;
    }
  }
}

/** Statuses with which a service may say that something already exists (RFC 9110 §15.5). */
const CONFLICTS: ReadonlySet<string> = new Set(['HTTP_400', 'HTTP_409', 'HTTP_422']);
