import { probeAddress } from '../../admin/probe.ts';
import type { Config } from '../../config/load-config.ts';
import { openDoors } from '../../incoming/listening.ts';
import { warning } from '../../model/finding.ts';
import type { Probes } from './probe.ts';

/** Whether the health of the service can be told where it is to be. */
export const adminProbes: Probes = ({ config: { admin, health } }, timeout) => {
  const probe = (about: string, address: Config['health']) =>
    address
      ? [
          {
            about,
            look: async () => [
              ...openDoors(address).map((text) => warning(text)),
              await probeAddress(address, '/healthz', 'application/json', timeout),
            ],
          },
        ]
      : [];
  return [...probe('admin', admin), ...probe('health', health)];
};
