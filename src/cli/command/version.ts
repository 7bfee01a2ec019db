let version: string | undefined;

/** Once, at the start: the version is in package.json, which the binary has inside and the sources cannot import. */
export function setVersion(value: string): void {
  version = value;
}

/** `vsync/1.2.3`: what a manifest's actor names as the tool. */
export function toolName(): string {
  return `vsync/${version ?? "unknown"}`;
}
