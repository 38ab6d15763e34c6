import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { OutgoingError } from './failure.ts';
import { plainHost } from './host.ts';
import { isPublicAddress } from './public-address.ts';

/**
 * Connects to public addresses only. It checks the very address that it connects to, so a name whose address changes
 * between check and use (DNS rebinding) gains nothing.
 * @param allowed hosts, as in a url, that may have any address
 * @param lookup how names become addresses
 * @param timeout milliseconds for a connection, its TLS included
 */
export function guardedConnect(
  allowed: readonly string[],
  lookup: LookupFunction,
  timeout: number,
): buildConnector.connector {
  const hosts = new Set(allowed.flatMap((host) => plainHost(host) ?? []));
  const isAllowed = (host: string | undefined) => host !== undefined && hosts.has(host);
  const guarded: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, []);
      const addresses = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found;
      // A private address among public ones is a sign of rebinding, so none of them is used.
      if (!isAllowed(plainHost(hostname)) && !addresses.every(({ address }) => isPublicAddress(address)))
        return callback(refusal(), []);
      if (options.all) return callback(null, addresses);
      const [first] = addresses;
      return first ? callback(null, first.address, first.family) : callback(notFound(), []);
    });
  };
  const connect = buildConnector({ timeout, lookup: guarded });
  return (options, callback) => {
    const host = plainHost(options.hostname);
    // A literal address is not looked up.
    if (host === undefined || (isIP(host) && !isAllowed(host) && !isPublicAddress(host)))
      return callback(refusal(), null);
    return connect(options, callback);
  };
}

function refusal(): OutgoingError {
  return new OutgoingError(
    'ADDRESS_REFUSED',
    'the host has a private address and is not one of the private hosts allowed',
  );
}

function notFound(): OutgoingError {
  return new OutgoingError('ENOTFOUND', 'the host has no address');
}
