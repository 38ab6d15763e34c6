import type { Choice } from './board.ts';

/**
 * Whose metrics: if the spans of a program that measures its own runs pass through the adapter, both measure them. The reader
 * picks one.
 */
export const JOB: Choice = {
  name: 'job',
  label: 'Measured by',
  metric: 'vcon_chain_duration_seconds_count',
  value: 'job',
};
export const CHAIN: Choice = {
  name: 'chain',
  label: 'Chain',
  metric: 'vcon_chain_duration_seconds_count',
  value: 'vcon_chain_name',
};
export const LINK: Choice = {
  name: 'link',
  label: 'Link',
  metric: 'vcon_link_duration_seconds_count',
  value: 'vcon_link_name',
};
export const TRACER: Choice = {
  name: 'tracer',
  label: 'Tracer',
  metric: 'vcon_tracer_deliveries_total{vcon_tracer_name!~"exporters[.].*"}',
  value: 'vcon_tracer_name',
};

export const OF_JOB = 'job=~"$job"';
export const OF_CHAIN = 'vcon_chain_name=~"$chain"';
export const OF_LINK = 'vcon_link_name=~"$link"';
/** The adapter's span exporters get events like tracers, but are not tracers by purpose. */
export const OF_TRACER = 'vcon_tracer_name=~"$tracer",vcon_tracer_name!~"exporters[.].*"';
