import type { MeterProvider } from '@opentelemetry/api';
import type { z } from 'zod';
import type { Component } from './component.ts';
import type { VconStore } from './vcon.ts';

/** What code hands to a vCon store (options are what the user wrote). */
export interface VconStoreHost {
  /** Where metrics of the store's own go. */
  readonly meterProvider: MeterProvider;
}

/** A vCon store as a module: its options and how it is made. */
export type VconStoreDefinition<Schema extends z.ZodType = z.ZodType> = Component<
  Schema,
  VconStoreHost,
  VconStore | Promise<VconStore>
>;

/** Types the definition of a vCon store; it is the default export of a store's module. */
export function defineVconStore<Schema extends z.ZodType>(
  definition: VconStoreDefinition<Schema>,
): VconStoreDefinition<Schema> {
  return definition;
}
