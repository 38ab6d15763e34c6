import { errorType } from '../../model/error.ts';
import { type Finding, ok, problem } from '../../model/finding.ts';
import { shownUrl } from '../../model/shown-url.ts';
import { unreachable } from '../../outgoing/reach.ts';
import { folderObstacle } from '../../persistence/obstacle.ts';
import { JlincApi } from './api.ts';
import type { JlincOptions } from './options.ts';
import { RefusedError } from './refused-error.ts';

/** Looks at the folder for receipts, and asks the data store for its domains, which changes nothing there. */
export async function probe(options: JlincOptions, timeout: number): Promise<readonly Finding[]> {
  const { directory } = options;
  const obstacle = folderObstacle(directory);
  const folder = obstacle
    ? problem(`receipts cannot be written to ${directory} (${obstacle})`, 'name a folder that can be written')
    : ok(`receipts can be written to ${directory}`);
  return [folder, await askForDomains(options, timeout)];
}

async function askForDomains(options: JlincOptions, timeout: number): Promise<Finding> {
  const place = shownUrl(options.data_store_api_url);
  const api = new JlincApi(options, timeout);
  try {
    await api.call('entity/domains/get', '{}', 'domains');
    return ok(`the data store ${place} answers and accepts the key`);
  } catch (error) {
    if (!(error instanceof RefusedError)) return unreachable(options.data_store_api_url, error);
    return problem(
      `the data store ${place} refuses (${errorType(error)})`,
      'check data_store_api_key and the path of data_store_api_url',
    );
  } finally {
    await api.close();
  }
}
