/**
 * Every command under its id (`audit:verify` is `vsync audit verify`). A command is imported when it is run, so that none
 * pays for another. oclif's own view of them, `oclif.manifest.json`, is made from this table.
 */
export const COMMAND_LOADERS = {
  init: async () => (await import("./commands/init.ts")).Init,
  inspect: async () => (await import("./commands/inspect.ts")).Inspect,
  push: async () => (await import("./commands/push.ts")).Push,
  run: async () => (await import("./commands/run.ts")).Run,
  "runtime-token": async () => (await import("./commands/runtime-token.ts")).RuntimeToken,
  status: async () => (await import("./commands/status.ts")).Status,
} as const;
