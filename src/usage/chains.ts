import type { BatchHeader, BatchName } from "./batch.ts";

/** A break in the chain of what one process wrote. */
export interface ChainFault {
  readonly kind: "gap" | "rewrite";
  readonly token: string;
  readonly text: string;
}

interface Link {
  readonly name: BatchName;
  readonly header: Pick<BatchHeader, "instance" | "seq" | "prev">;
  readonly digest: string;
}

/** Checks that each process numbered its batches without gaps, and that each batch names the one before. */
export class Chains {
  readonly #instances = new Map<string, Link[]>();

  add(link: Link): void {
    const key = `${link.name.token} ${link.header.instance}`;
    const links = this.#instances.get(key) ?? [];
    links.push(link);
    this.#instances.set(key, links);
  }

  /**
   * @param isWhole whether the first batch of each process must be present
   */
  faults(isWhole: boolean): readonly ChainFault[] {
    return [...this.#instances.values()].flatMap((links) =>
      faultsIn(
        links.toSorted((a, b) => a.header.seq - b.header.seq),
        isWhole,
      ),
    );
  }
}

function faultsIn(links: readonly Link[], isWhole: boolean): readonly ChainFault[] {
  return links.flatMap((link, at): ChainFault[] => {
    const { name, header } = link;
    const before = links[at - 1];
    const { token } = name;
    const of = `process ${header.instance} of ${token}`;
    const expected = before === undefined ? (isWhole ? 1 : header.seq) : before.header.seq + 1;
    if (header.seq > expected) {
      const missing = header.seq - 1 === expected ? `batch ${expected}` : `batches ${expected} to ${header.seq - 1}`;
      return [{ kind: "gap", token, text: `${missing} of ${of} ${missing.includes(" to ") ? "are" : "is"} missing` }];
    }
    const isNext = before === undefined || (header.seq === expected && header.prev === before.digest);
    return isNext ? [] : [{ kind: "rewrite", token, text: `batch ${header.seq} of ${of} was rewritten` }];
  });
}
