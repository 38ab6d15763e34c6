import { accessSync, constants } from 'node:fs';
import type { Tokens } from '../incoming/bearer.ts';
import type { Address } from '../model/address.ts';
import { errorType } from '../model/error.ts';
import { type Finding, ok, problem, warning } from '../model/finding.ts';
import { listenObstacle } from '../outgoing/own-address.ts';

/** What of a receiver's options says where it listens, and to whom. */
export interface ListeningPlace extends Address, Tokens {
  readonly tls?:
    | (Readonly<Record<'cert' | 'key', string>> & { readonly client_ca?: string | undefined })
    | undefined;
}

/** How an empty export is answered by whatever listens there. Where there is no answer, `text` says why. */
export type ProbeAnswer =
  | { readonly is: 'taken' }
  | { readonly is: 'refused' | 'strange' | 'none'; readonly text: string };

/**
 * Looks whether a receiver could listen, or does already.
 * @param ask sends an empty export with a token of the receiver, if it has any; never rejects
 */
export async function probeListening(
  place: ListeningPlace,
  ask: (token: string | undefined) => Promise<ProbeAnswer>,
): Promise<readonly Finding[]> {
  return [...certificates(place), await listened(place, ask)];
}

function certificates({ tls }: ListeningPlace): Finding[] {
  return Object.entries(tls ?? {}).flatMap(([key, path]) => {
    try {
      if (path !== undefined) accessSync(path, constants.R_OK);
      return [];
    } catch (error) {
      return [problem(`the file of tls.${key} cannot be read (${errorType(error)})`, 'check the path')];
    }
  });
}

async function listened(
  receiver: ListeningPlace,
  ask: (token: string | undefined) => Promise<ProbeAnswer>,
): Promise<Finding> {
  const place = `${receiver.host} port ${receiver.port}`;
  if (receiver.port === 0) return ok('takes a free port');
  const obstacle = await listenObstacle(receiver);
  if (obstacle === undefined) return ok(`${place} is free`);
  if (obstacle !== 'EADDRINUSE')
    return problem(`${place} cannot be listened on (${obstacle})`, 'name another host or port');
  const answer = await ask(receiver.token || Object.values(receiver.tokens ?? {})[0]);
  if (answer.is === 'taken') return ok(`${place} answers like a running service`);
  if (answer.is === 'refused')
    return problem(
      `${place} answers, but refuses this token (${answer.text})`,
      'a service with another token runs there: restart it, or name another port',
    );
  if (receiver.tls && answer.is === 'none')
    return warning(`${place} is taken; over TLS, doctor cannot tell by whom (${answer.text})`);
  return problem(
    `${place} is taken by another program (${answer.text})`,
    'name another port, or stop that program',
  );
}
