/** The folder beside the file of a journal in which others keep what is to outlive the process. */
export function folderBeside(path: string): string {
  return `${path}-beside`;
}
