/** The maintainer of a trial build. RFC 2606 §2 reserves `.invalid`, so the address belongs to nobody. */
const NOBODY = "nobody yet <nobody@vsync.invalid>";

/**
 * The maintainer of the Debian package: the one given, else the author in package.json. A release, which names its
 * repository, requires one of the two (decision 0041).
 */
export function maintainerOf(release: { maintainer?: string; repository?: string }, author?: string): string {
  const { maintainer, repository } = release;
  const name = maintainer || author || (repository === undefined ? NOBODY : undefined);
  if (name === undefined) throw new Error('a release names who maintains it: --maintainer="Name <address>"');
  if (!/^[^<>\n]+ <[^\s<>@]+@[^\s<>@]+>$/.test(name))
    throw new Error(`${JSON.stringify(name)} is not of the form "Name <address>"`);
  return name;
}
