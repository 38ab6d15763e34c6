import { errorType, VconOtelError } from '../../model/error.ts';
import { DailyFile } from '../../persistence/daily-file.ts';
import { JlincError } from './failure.ts';

/** Where receipts are kept: one JSON line each in `receipts-<UTC day>.jsonl`, on the disk before a receipt is acknowledged. */
export class ReceiptFile {
  readonly #file: DailyFile;

  /**
   * @param option names the option in errors
   * @throws VconOtelError `FILE_UNUSABLE` where no file can be made there
   */
  constructor(directory: string, option: string) {
    try {
      this.#file = new DailyFile({ directory, name: (day) => `receipts-${day}.jsonl` });
    } catch (cause) {
      throw new VconOtelError('FILE_UNUSABLE', `${option}: cannot write files there: ${errorType(cause)}`, {
        path: option,
        cause,
      });
    }
  }

  /**
   * @returns its line, without the line break
   * @throws JlincError `RECEIPT_NOT_KEPT` where it is not on the disk; another try may succeed
   */
  async append(receipt: unknown): Promise<string> {
    const line = JSON.stringify(receipt);
    try {
      await this.#file.append(line);
      return line;
    } catch (cause) {
      throw new JlincError('RECEIPT_NOT_KEPT', 'a receipt could not be written', { cause });
    }
  }

  /** Waits for what was accepted. Safe twice. */
  close(): Promise<void> {
    return this.#file.close();
  }
}
