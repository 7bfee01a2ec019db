let version: string | undefined;

/** The entry points in bin/ call this once at the start: only they can import package.json. */
export function setVersion(value: string): void {
  version = value;
}

/** `vsync/1.2.3`, the tool that a manifest's actor names. */
export function toolName(): string {
  return `vsync/${version ?? "unknown"}`;
}
