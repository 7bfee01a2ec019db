/** The nodes of a value that it does not share with the value before it. */
interface Row {
  readonly first: number;
  /** The node before the first one, and its depth. */
  readonly parent: number;
  readonly depth: number;
  /** For each node known so far: the node to fall back to, and the last node of the longest value that ends there, or 0. */
  readonly ends: number[];
  readonly found: number[];
  /** An end of the last known node: first the longest, then shorter ones, until one continues with the next byte. */
  cursor: number;
}

const NOT_BEGUN = -1;

/** What is known of a node, above its byte. */
const [ENDS_ROW, BRANCHES, IS_KNOWN, HAS_VALUE] = [0x100, 0x200, 0x400, 0x800];

/**
 * Finds many values in a text; the number of steps grows only with the text (Aho and Corasick, "Efficient string matching",
 * 1975). A node is a beginning of values; node 0 is the empty one. If no value continues with the next byte of the text,
 * the search falls back to the longest end of the node that is itself a beginning.
 *
 * Takes two bytes of memory for each byte of the values. Where a node falls back to is computed when a text first reaches
 * it, because most texts reach few.
 */
export class Automaton {
  readonly #nodes: Uint16Array;
  /** One for each value, in their order. */
  readonly #rows: readonly Row[];
  /** The first node of a row, by its parent and its byte. */
  readonly #branches = new Map<number, number>();

  /**
   * @param values sorted by their bytes, without duplicates, none empty
   */
  constructor(values: readonly Uint8Array[]) {
    const shared = values.map((value, at) => sharedLength(value, values[at - 1]));
    this.#nodes = new Uint16Array(values.reduce((sum, { length }, at) => sum + length - (shared[at] ?? 0), 1));
    this.#nodes[0] = ENDS_ROW | IS_KNOWN;
    /** The rows on the way to the last value. */
    const path: Row[] = [];
    let first = 1;
    this.#rows = values.map((value, at) => {
      const depth = shared[at] ?? 0;
      while ((path.at(-1)?.depth ?? -1) >= depth) path.pop();
      const above = path.at(-1);
      const parent = above === undefined ? 0 : above.first + depth - above.depth - 1;
      const row: Row = { first, parent, depth, ends: [], found: [], cursor: NOT_BEGUN };
      path.push(row);
      this.#nodes.set(value.subarray(depth), first);
      this.#branches.set(parent * 256 + (value[depth] ?? 0), first);
      this.#mark(parent, BRANCHES);
      first += value.length - depth;
      this.#mark(first - 1, ENDS_ROW);
      return row;
    });
  }

  /** The node that a byte leads to. */
  next(from: number, byte: number): number {
    let node = from;
    for (;;) {
      const child = this.child(node, byte);
      if (child !== 0 || node === 0) return child;
      node = this.#endOf(node);
    }
  }

  /** The beginning that is one byte longer; 0 if no value has it. */
  child(node: number, byte: number): number {
    const known = this.#at(node);
    if ((known & ENDS_ROW) === 0 && (this.#at(node + 1) & 0xff) === byte) return node + 1;
    return (known & BRANCHES) === 0 ? 0 : (this.#branches.get(node * 256 + byte) ?? 0);
  }

  /** The node itself, or the longest of its ends that some value continues. */
  open(from: number): number {
    let node = from;
    while (node !== 0 && (this.#at(node) & (ENDS_ROW | BRANCHES)) === ENDS_ROW) node = this.#endOf(node);
    return node;
  }

  /** The index of the longest value that ends at a node, or -1. */
  valueAt(node: number): number {
    if ((this.#at(node) & IS_KNOWN) === 0) this.#learn(node);
    const known = this.#at(node);
    if ((known & HAS_VALUE) === 0) return -1;
    const at = this.#rowOf(node);
    return (known & ENDS_ROW) === 0 ? this.#valueBelow(at, node) : at;
  }

  /** The index of the longest other value that a value ends with, or -1. */
  shorter(value: number): number {
    const last = (this.#rows[value + 1]?.first ?? this.#nodes.length) - 1;
    this.#learn(last);
    return this.#valueBelow(value, last);
  }

  /** How many bytes led to a node. */
  depthOf(node: number): number {
    const row = node === 0 ? undefined : this.#rows[this.#rowOf(node)];
    return row === undefined ? 0 : row.depth + node - row.first + 1;
  }

  #valueBelow(row: number, node: number): number {
    const { first = 0, found = [] } = this.#rows[row] ?? {};
    const last = found[node - first] ?? 0;
    return last === 0 ? -1 : this.#rowOf(last);
  }

  #endOf(node: number): number {
    if ((this.#at(node) & IS_KNOWN) === 0) this.#learn(node);
    return this.#knownEnd(node);
  }

  #knownEnd(node: number): number {
    const row = node === 0 ? undefined : this.#rows[this.#rowOf(node)];
    return row?.ends[node - row.first] ?? 0;
  }

  /** A node depends only on nodes of less depth, so this ends. A loop, because these may be in very many rows. */
  #learn(node: number): void {
    const needed = [node];
    for (let last: number | undefined; (last = needed.at(-1)) !== undefined; ) {
      const first = this.#learnRow(last);
      if (first === null) needed.pop();
      else needed.push(first);
    }
  }

  /** Computes a row up to a node. Returns a node that has to be known first, or null when it is done. */
  #learnRow(upTo: number): number | null {
    const row = this.#rows[this.#rowOf(upTo)];
    if (row === undefined) return null;
    if (row.cursor === NOT_BEGUN) {
      if (!this.#isKnown(row.parent)) return row.parent;
      row.cursor = this.#knownEnd(row.parent);
    }
    while (row.ends.length <= upTo - row.first) {
      const node = row.first + row.ends.length;
      // A single byte has only the empty end.
      const end = row.parent === 0 && row.ends.length === 0 ? 0 : this.#endBehind(row, this.#at(node) & 0xff);
      if (end === null) return row.cursor;
      if (!this.#isKnown(end)) return end;
      this.#note(row, node, end);
      row.cursor = end;
    }
    return null;
  }

  /** Null if the row's cursor must be known first. */
  #endBehind(row: Row, byte: number): number | null {
    for (;;) {
      const end = this.child(row.cursor, byte);
      if (end !== 0 || row.cursor === 0) return end;
      if (!this.#isKnown(row.cursor)) return null;
      row.cursor = this.#knownEnd(row.cursor);
    }
  }

  #note(row: Row, node: number, end: number): void {
    const isValue = end !== 0 && (this.#at(end) & ENDS_ROW) !== 0;
    const found = isValue ? end : this.#foundBelow(end);
    row.ends.push(this.#goesOnAlike(node, end) ? this.#knownEnd(end) : end);
    row.found.push(found);
    this.#mark(node, IS_KNOWN | (found !== 0 || (this.#at(node) & ENDS_ROW) !== 0 ? HAS_VALUE : 0));
  }

  #foundBelow(node: number): number {
    const row = node === 0 ? undefined : this.#rows[this.#rowOf(node)];
    return row?.found[node - row.first] ?? 0;
  }

  /** Where a node cannot continue, its end cannot either, so it is skipped. A value that repeats itself has many such ends. */
  #goesOnAlike(node: number, end: number): boolean {
    if (end === 0 || ((this.#at(node) | this.#at(end)) & (ENDS_ROW | BRANCHES)) !== 0) return false;
    return ((this.#at(node + 1) ^ this.#at(end + 1)) & 0xff) === 0;
  }

  #isKnown(node: number): boolean {
    return (this.#at(node) & IS_KNOWN) !== 0;
  }

  #at(node: number): number {
    return this.#nodes[node] ?? 0;
  }

  #mark(node: number, flags: number): void {
    this.#nodes[node] = this.#at(node) | flags;
  }

  /** The last row that begins at or before a node. */
  #rowOf(node: number): number {
    let from = 0;
    let to = this.#rows.length;
    while (to - from > 1) {
      const middle = (from + to) >>> 1;
      if ((this.#rows[middle]?.first ?? 0) <= node) from = middle;
      else to = middle;
    }
    return from;
  }
}

function sharedLength(a: Uint8Array, b: Uint8Array | undefined): number {
  if (b === undefined) return 0;
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}
