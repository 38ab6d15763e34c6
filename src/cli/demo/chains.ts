import { join } from 'node:path';
import type { Chain } from '../../model/chain.ts';
import { VconOtelError } from '../../model/error.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { consentFilter } from './links/consent-filter.ts';
import { redact } from './links/redact.ts';
import { summarize } from './links/summarize.ts';
import { tag } from './links/tag.ts';
import { transcriptStatistics } from './links/transcript-statistics.ts';
import type { Pace } from './pace.ts';
import { archive } from './storages/archive.ts';
import { openWarehouse, type Warehouse } from './storages/warehouse.ts';

/** What the demo's chains need. */
export interface DemoChainsSettings {
  /** Where their storages keep files; created if missing. */
  readonly directory: string;
  /** Makes steps take what they would elsewhere; without it they are as fast as this machine. */
  readonly pace?: Pace;
}

/** A chain and the list it takes vCons from. */
export interface DemoChain {
  readonly chain: Chain;
  readonly ingressList: string;
}

/** The demo's chains in the order in which a vCon passes them, and where they store what they keep. */
export interface DemoChains {
  readonly chains: readonly [DemoChain, ...DemoChain[]];
  /** Directory of the files that storage `archive` writes. */
  readonly archive: string;
  /** SQLite database that storage `warehouse` writes. */
  readonly warehouse: string;
  /** Closes the storages. Safe twice. */
  close(): void;
}

/**
 * Three chains, connected by their lists:
 *
 *     inbox ─► intake ─► screening ─► screening ─► delivery ─► delivery
 *
 * @throws VconOtelError `FILE_UNUSABLE` if the directory or the database in it cannot be used
 */
export function demoChains({ directory, pace }: DemoChainsSettings): DemoChains {
  const archivePath = join(directory, 'archive');
  const warehousePath = join(directory, 'warehouse.db');
  const warehouse = openStorages(archivePath, warehousePath);
  const files = archive(archivePath);
  const { link, storage } = pace ?? AS_THEY_ARE;
  const kept = storage(files);
  const written = storage(warehouse.storage);
  const chains: DemoChains['chains'] = [
    {
      ingressList: 'inbox',
      chain: {
        name: 'intake',
        links: [link(transcriptStatistics), link(tag)],
        storages: [kept],
        egressLists: ['screening'],
      },
    },
    {
      ingressList: 'screening',
      chain: {
        name: 'screening',
        links: [link(consentFilter), link(redact)],
        storages: [kept, written],
        egressLists: ['delivery'],
      },
    },
    {
      ingressList: 'delivery',
      chain: { name: 'delivery', links: [link(summarize)], storages: [written] },
    },
  ];
  return {
    chains,
    archive: archivePath,
    warehouse: warehousePath,
    close: () => warehouse.close(),
  };
}

const AS_THEY_ARE: Pace = { link: (link) => link, storage: (storage) => storage };

function openStorages(archivePath: string, warehousePath: string): Warehouse {
  try {
    makeFolder(archivePath);
    return openWarehouse(warehousePath);
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', 'The directory for what the demo writes cannot be used', {
      cause,
    });
  }
}
