/**
 * The commands as `vsync --help` lists them: groups and ids in the order in which a user meets them (`audit:verify` is
 * `vsync audit verify`). Each is imported when it runs, so a command does not pay for the others at start-up.
 */
export const COMMANDS = {
  "SET UP": {
    init: async () => (await import("./commands/init.ts")).Init,
    status: async () => (await import("./commands/status.ts")).Status,
    doctor: async () => (await import("./commands/doctor.ts")).Doctor,
    unlock: async () => (await import("./commands/unlock.ts")).Unlock,
    lock: async () => (await import("./commands/lock.ts")).Lock,
    policy: async () => (await import("./commands/policy.ts")).Policy,
    completion: async () => (await import("./commands/completion.ts")).Completion,
  },
  "DAY TO DAY": {
    push: async () => (await import("./commands/push.ts")).Push,
    pull: async () => (await import("./commands/pull.ts")).Pull,
    list: async () => (await import("./commands/list.ts")).List,
    get: async () => (await import("./commands/get.ts")).Get,
    set: async () => (await import("./commands/set.ts")).SetItem,
    edit: async () => (await import("./commands/edit.ts")).Edit,
    unset: async () => (await import("./commands/unset.ts")).Unset,
    run: async () => (await import("./commands/run.ts")).Run,
    copy: async () => (await import("./commands/copy.ts")).Copy,
    move: async () => (await import("./commands/move.ts")).Move,
    import: async () => (await import("./commands/import.ts")).Import,
    export: async () => (await import("./commands/export.ts")).Export,
  },
  "BOOT AN APP": {
    "runtime-token": async () => (await import("./commands/runtime-token.ts")).RuntimeToken,
    inspect: async () => (await import("./commands/inspect.ts")).Inspect,
  },
  "SCOPED TOKENS": {
    tokens: async () => (await import("./commands/tokens/list.ts")).Tokens,
    "tokens:create": async () => (await import("./commands/tokens/create.ts")).TokensCreate,
    "tokens:list": async () => (await import("./commands/tokens/list.ts")).TokensList,
    "tokens:show": async () => (await import("./commands/tokens/show.ts")).TokensShow,
    "tokens:explain": async () => (await import("./commands/tokens/explain.ts")).TokensExplain,
    "tokens:update": async () => (await import("./commands/tokens/update.ts")).TokensUpdate,
    "tokens:rotate": async () => (await import("./commands/tokens/rotate.ts")).TokensRotate,
    "tokens:revoke": async () => (await import("./commands/tokens/revoke.ts")).TokensRevoke,
    "tokens:prune": async () => (await import("./commands/tokens/prune.ts")).TokensPrune,
    "tokens:access": async () => (await import("./commands/tokens/access.ts")).TokensAccess,
  },
  "BACKENDS AND THEIR GATEWAY": {
    settings: async () => (await import("./commands/settings.ts")).Settings,
    "gateway-keys": async () => (await import("./commands/gateway-keys/list.ts")).GatewayKeys,
    "gateway-keys:list": async () => (await import("./commands/gateway-keys/list.ts")).GatewayKeysList,
    "gateway-keys:rotate": async () => (await import("./commands/gateway-keys/rotate.ts")).GatewayKeysRotate,
    "gateway-keys:revoke": async () => (await import("./commands/gateway-keys/revoke.ts")).GatewayKeysRevoke,
    "gateway-keys:export": async () => (await import("./commands/gateway-keys/export.ts")).GatewayKeysExport,
    "dev-gateway": async () => (await import("./commands/dev-gateway.ts")).DevGateway,
    "gateway:sign": async () => (await import("./commands/gateway/sign.ts")).GatewaySign,
    "dev-core": async () => (await import("./commands/dev-core.ts")).DevCore,
  },
  USAGE: {
    usage: async () => (await import("./commands/usage/read.ts")).Usage,
    "usage:compact": async () => (await import("./commands/usage/compact.ts")).UsageCompact,
    "usage:close": async () => (await import("./commands/usage/close.ts")).UsageClose,
    "usage:void": async () => (await import("./commands/usage/void.ts")).UsageVoid,
  },
  "ROTATE THE PASSPHRASE": {
    "rotate-passphrase": async () => (await import("./commands/rotate-passphrase.ts")).RotatePassphrase,
  },
  "LOOK BACK": {
    history: async () => (await import("./commands/history.ts")).History,
    diff: async () => (await import("./commands/diff.ts")).Diff,
    restore: async () => (await import("./commands/restore.ts")).Restore,
    audit: async () => (await import("./commands/audit.ts")).Audit,
    "audit:verify": async () => (await import("./commands/audit-verify.ts")).AuditVerify,
    "audit:reconcile": async () => (await import("./commands/audit-reconcile.ts")).AuditReconcile,
    gc: async () => (await import("./commands/gc.ts")).Gc,
  },
} as const;
