/** Of a package that was built to try it. `.invalid` is nobody's, and never will be: RFC 2606 §2. */
const NOBODY = "nobody yet <nobody@vsync.invalid>";

/**
 * Who stands for the Debian package: the one who is named, else the author that package.json names. A release, which names
 * its repository, is refused without (decision 0041).
 */
export function maintainerOf(release: { maintainer?: string; repository?: string }, author?: string): string {
  const { maintainer, repository } = release;
  const name = maintainer || author || (repository === undefined ? NOBODY : undefined);
  if (name === undefined) throw new Error('a release names who maintains it: --maintainer="Name <address>"');
  if (!/^[^<>\n]+ <[^\s<>@]+@[^\s<>@]+>$/.test(name))
    throw new Error(`${JSON.stringify(name)} is not of the form "Name <address>"`);
  return name;
}
