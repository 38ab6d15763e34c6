import { Command } from 'commander';

/** What the command needs of the process it runs in. */
export interface SchemaSettings {
  readonly stdout: { write(text: string): unknown };
}

/** `vcon-otel schema`: prints the JSON Schema of the configuration file, as `config.schema.json` in the package has it. */
export function schemaCommand({ stdout }: SchemaSettings): Command {
  return new Command('schema')
    .description('print the JSON Schema of the configuration file, for editors')
    .action(async () => {
      const { configJsonSchema } = await import('../config/json-schema.ts');
      stdout.write(`${JSON.stringify(configJsonSchema(), null, 1)}\n`);
    });
}
