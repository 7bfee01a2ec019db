/**
 * Every command under its id (`audit:verify` is `vsync audit verify`). A command is imported when it is run, so that none
 * pays for another. oclif's own view of them, `oclif.manifest.json`, is made from this table.
 */
export const COMMAND_LOADERS = {
  audit: async () => (await import("./commands/audit.ts")).Audit,
  "audit:reconcile": async () => (await import("./commands/audit-reconcile.ts")).AuditReconcile,
  "audit:verify": async () => (await import("./commands/audit-verify.ts")).AuditVerify,
  completion: async () => (await import("./commands/completion.ts")).Completion,
  diff: async () => (await import("./commands/diff.ts")).Diff,
  doctor: async () => (await import("./commands/doctor.ts")).Doctor,
  export: async () => (await import("./commands/export.ts")).Export,
  gc: async () => (await import("./commands/gc.ts")).Gc,
  get: async () => (await import("./commands/get.ts")).Get,
  history: async () => (await import("./commands/history.ts")).History,
  import: async () => (await import("./commands/import.ts")).Import,
  init: async () => (await import("./commands/init.ts")).Init,
  inspect: async () => (await import("./commands/inspect.ts")).Inspect,
  list: async () => (await import("./commands/list.ts")).List,
  policy: async () => (await import("./commands/policy.ts")).Policy,
  pull: async () => (await import("./commands/pull.ts")).Pull,
  push: async () => (await import("./commands/push.ts")).Push,
  restore: async () => (await import("./commands/restore.ts")).Restore,
  "rotate-passphrase": async () => (await import("./commands/rotate-passphrase.ts")).RotatePassphrase,
  run: async () => (await import("./commands/run.ts")).Run,
  "runtime-token": async () => (await import("./commands/runtime-token.ts")).RuntimeToken,
  set: async () => (await import("./commands/set.ts")).SetItem,
  status: async () => (await import("./commands/status.ts")).Status,
  unset: async () => (await import("./commands/unset.ts")).Unset,
} as const;
