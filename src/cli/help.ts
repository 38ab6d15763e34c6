import type { Command } from 'commander';

const UUID = '019c4d3b-2258-81e2-b569-459ff5ed47c3';

/** Two for each command, as somebody would type them. */
const EXAMPLES: Readonly<Record<string, readonly [string, string]>> = {
  demo: ['demo', 'demo --vcons ./my-vcons --out ./my-demo'],
  timeline: ['timeline --last', 'timeline traces.otlp.jsonl --vcon 0190bbbb --format svg'],
  validate: ['validate vcon-otel.yaml', 'validate vcon-otel.yaml --print'],
  doctor: ['doctor vcon-otel.yaml', 'doctor vcon-otel.yaml --timeout 10s --json'],
  serve: ['serve vcon-otel.yaml', 'serve /etc/vcon-otel/config.yaml'],
  try: ['try ./my-tracer.ts', 'try tracers.audit_log --options "{ log_file: ./audit.jsonl }"'],
  dev: ['dev', 'dev ./my-tracer.ts'],
  init: ['init', 'init --yes --out /etc/vcon-otel/config.yaml'],
  schema: ['schema', 'schema > config.schema.json'],
  completion: ['completion bash', 'completion fish | source'],
  new: ['new tracer my-tracer', 'new tracer my-tracer --out ./tracers'],
  'new tracer': ['new tracer my-tracer', 'new tracer my-tracer --out ./tracers'],
  queue: ['queue stats', 'queue dead --tracer audit --config vcon-otel.yaml'],
  'queue stats': ['queue stats', 'queue stats --config vcon-otel.yaml --json'],
  'queue peek': ['queue peek --tracer audit', 'queue peek --tracer audit --limit 0'],
  'queue dead': [
    'queue dead --tracer audit --reason "HTTP_*"',
    'queue dead --event 00f067aa0ba902b7/link/0/complete',
  ],
  'queue retry': [
    'queue retry --tracer audit --reason ECONNREFUSED',
    'queue retry --tracer audit 00f067aa0ba902b7',
  ],
  'queue skip': ['queue skip --tracer audit --all-dead', 'queue skip --tracer audit 00f067aa0ba902b7'],
  'queue forget': [
    'queue forget old-tracer --config vcon-otel.yaml',
    'queue forget exporters.otlp --config vcon-otel.yaml --yes',
  ],
  tap: ['tap', 'tap --chain main --event "*_error"'],
  top: ['top', 'top --redis redis://127.0.0.1:6379 --stream vcon-otel:events'],
  follow: [`follow ${UUID}`, `follow ${UUID} --until complete --json`],
  replay: ['replay --tracer audit --since 24h', 'replay --tracer fresh --new --config vcon-otel.yaml'],
  audit: ['audit verify ./data/ledger', 'audit export ./data/ledger --format cef'],
  'audit verify': [
    'audit verify --proof bundle.json --key ledger.vkey',
    'audit verify ./data/ledger --key ledger.vkey --witness w1.vkey --max-age 24h',
  ],
  'audit consistency': [
    'audit consistency ./data/ledger 4096',
    'audit consistency ./data/ledger yesterday.checkpoint ./data/ledger/checkpoint --json',
  ],
  'audit restore': [
    'audit restore /mnt/second/ledger ./data/ledger --key ledger.vkey',
    'audit restore /mnt/second/ledger ./restored --key ledger.vkey --actor "A. Reader"',
  ],
  'audit prove': [
    `audit prove ./data/ledger --vcon ${UUID}`,
    `audit prove ./data/ledger --vcon ${UUID} --with-content-key`,
  ],
  'audit shred': [
    `audit shred ./data/ledger --vcon ${UUID}`,
    `audit shred ./data/ledger --vcon ${UUID} --key-file ledger.key`,
  ],
  'audit expire': [
    'audit expire ./data/ledger --before 2026-03-01 --reason "end of contract"',
    'audit expire ./data/ledger --before 2026-03-01T12:00:00Z --reason "court order" --actor "A. Reader"',
  ],
  'audit rotate-key': [
    'audit rotate-key ./data/ledger --reason "yearly change"',
    'audit rotate-key ./data/ledger --reason "yearly change" --key-file /run/secrets/ledger-key-2027.pem',
  ],
  'audit export': ['audit export ./data/ledger', 'audit export ./data/ledger --format ocsf'],
  'audit keygen': [
    'audit keygen --origin example.com/audit --out ledger.key',
    'audit keygen --origin witness.example.com/w1 --witness --out witness.key',
  ],
  'audit attest': [
    'audit attest ./data/attest --key verify-key.pem --ledger ./data/ledger',
    'audit attest ./data/attest --layout main.layout --layout-key layout-key.pem --json',
  ],
  'audit layout': [
    'audit layout config.yml --key-file layout.key --attester verify-key.pem --out ./layouts',
    'audit layout /etc/conserver/config.yml --key-file layout.key --attester verify-key.pem --out ./layouts --days 30',
  ],
  'audit monitor': [
    'audit monitor https://ledger.example.com/ --key ledger.vkey --max-age 2h --metrics-port 9465',
    'audit monitor ./data/ledger --key ledger.vkey --witness w1.vkey --once --json',
  ],
  witness: ['witness witness.yaml', 'witness /etc/vcon-otel/witness.yaml'],
  'audit receipts': ['audit receipts ./data/jlinc', `audit receipts ./data/jlinc --vcon ${UUID}`],
};

const REQUIRED = ' (required)';

/**
 * Completes the help of a command and those below it: examples, and which arguments and options must be there. Wrong usage points at the help of the very
 * command.
 * @param path its name and those above it
 */
export function completeHelp(command: Command, path: string): void {
  command.showHelpAfterError(`(vcon-otel ${path} --help says how)`);
  const examples = EXAMPLES[path];
  if (examples)
    command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  vcon-otel ${line}\n`).join('')}`);
  for (const option of command.options) if (option.mandatory) option.description += REQUIRED;
  for (const argument of command.registeredArguments) if (argument.required) argument.description += REQUIRED;
  for (const inner of command.commands) completeHelp(inner, `${path} ${inner.name()}`);
}
