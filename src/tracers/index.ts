export { default as attest } from './attest.ts';
export { default as auditLog } from './audit-log.ts';
export { default as compliance } from './compliance.ts';
export { default as dbAudit } from './db-audit.ts';
export { default as externalAudit } from './external-audit.ts';
export { default as jlinc } from './jlinc.ts';
export { default as metrics } from './metrics.ts';
