import { basename } from "node:path";
import { InputError } from "../../errors.ts";
import { repoFault } from "../config/paths.ts";
import { type Project, REPO_HINT } from "./find-project.ts";
import { cloneName, pathOfRemote } from "./git.ts";

/** A repo's name and its source: `--repo`, `VSYNC_REPO`, or the path of a file or folder. */
export interface NamedRepo {
  readonly name: string;
  readonly from: string;
}

/** The name derived for the project cannot be a repo's, such as a remote in a subgroup: `acme/team/api`. */
export class UnfitNameError extends InputError {}

/**
 * The name that `init` proposes: the package's with its scope, the remote's `owner/name`, or the clone's folder. Other
 * commands do not rely on it, because two folders may have the same name.
 *
 * @throws UnfitNameError it cannot be a repo's name
 */
export function proposedRepo({ packaged, tree }: Project): NamedRepo | null {
  const found = packaged ?? (tree === null ? null : nameOfTree(tree));
  if (found === null) return null;
  const name = found.name.toLowerCase();
  const fault = repoFault(name);
  if (fault !== null)
    throw new UnfitNameError(`the repo ${JSON.stringify(name)} of ${found.from} ${fault}`, { hint: REPO_HINT });
  return { name, from: found.from };
}

function nameOfTree({ remote, common, top }: NonNullable<Project["tree"]>): NamedRepo {
  const path = remote === null ? null : pathOfRemote(remote);
  return { name: path ?? (common === null ? basename(top) : cloneName(common)), from: top };
}

/** The names that earlier versions derived: the package's without its scope, and the working tree's folder. */
export function earlierRepos({ packaged, tree }: Project): readonly NamedRepo[] {
  const unscoped = packaged === null ? [] : [{ ...packaged, name: packaged.name.replace(/^[^/]*\//, "") }];
  return packaged === null && tree !== null ? [{ name: basename(tree.top), from: tree.top }] : unscoped;
}
