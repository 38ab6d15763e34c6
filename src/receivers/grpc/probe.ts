import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { Finding } from '../../model/finding.ts';
import { localUrl } from '../../outgoing/own-address.ts';
import { type ListeningPlace, type ProbeAnswer, probeListening } from '../probe.ts';
import { EXPORT_TRACES } from './services.ts';

/** Looks whether spans could be taken in over gRPC, or are already. */
export function probe(place: ListeningPlace, timeout: number): Promise<readonly Finding[]> {
  return probeListening(place, (token) => askGrpc(place, token, timeout));
}

async function askGrpc(
  place: ListeningPlace,
  token: string | undefined,
  timeout: number,
): Promise<ProbeAnswer> {
  const { host } = localUrl(place, '/');
  const client = place.tls
    ? // An address is no name to ask for a certificate by.
      new Client(host, credentials.createSsl(), { 'grpc.ssl_target_name_override': 'localhost' })
    : new Client(host, credentials.createInsecure());
  const metadata = new Metadata();
  if (token) metadata.set('authorization', `Bearer ${token}`);
  const { path, requestSerialize, responseDeserialize } = EXPORT_TRACES;
  const { promise, resolve } = Promise.withResolvers<ServiceError | null>();
  const deadline = Date.now() + timeout;
  client.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    Buffer.alloc(0),
    metadata,
    { deadline },
    resolve,
  );
  const error = await promise;
  client.close();
  if (!error) return { is: 'taken' };
  const text = status[error.code] ?? String(error.code);
  if (error.code === status.UNAUTHENTICATED || error.code === status.PERMISSION_DENIED)
    return { is: 'refused', text };
  // The client's own words for a server that does not speak its language.
  const isNone = error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED;
  return { is: isNone ? 'none' : 'strange', text };
}
