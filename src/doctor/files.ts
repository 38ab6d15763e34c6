import { fault, ok } from '../model/finding.ts';
import { fileObstacle } from '../model/obstacle.ts';
import type { Probes } from './probe.ts';

/** Whether spans can be written to a file. */
export const fileProbes: Probes = ({ config: { exporters } }) => {
  const { otlp_file: file } = exporters;
  if (!file) return [];
  const obstacle = fileObstacle(file.path);
  const finding =
    obstacle === undefined
      ? ok(`${file.path} can be written`)
      : fault(`${file.path} cannot be written (${obstacle})`, 'name a place that the service can write');
  return [{ about: 'exporters.otlp_file', look: async () => [finding] }];
};
