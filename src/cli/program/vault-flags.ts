/** The flags that lead the next command to the same vault: `--env=prod`, and the repo where that was given as a flag. */
export function vaultFlagsOf(env: string, { repo }: { readonly repo?: string | undefined }): string {
  return repo === undefined ? `--env=${env}` : `--env=${env} --repo=${repo}`;
}
