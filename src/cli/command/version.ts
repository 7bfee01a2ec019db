let version: string | undefined;

/** Called once at the start, by the entry points in bin/: only they can import package.json. */
export function setVersion(value: string): void {
  version = value;
}

/** `vsync/1.2.3`, the tool in a manifest's actor. */
export function toolName(): string {
  return `vsync/${version ?? "unknown"}`;
}
