import assert from "node:assert/strict";
import { OLD } from "../../../test/support/world.ts";
import { editingUseCases, rotatingUseCases, tokenUseCases, type UseCase } from "../use-cases.ts";

/** A command or an opening that the campaign disturbs. */
export type Operation = Omit<UseCase, "again">;

/** The aspects that the judge checks. */
export type Judged = Omit<Operation, "act">;

/** Every way to commit, `reconcile` and `open`, each on the vault where it does the most work. */
export async function operations(): Promise<readonly Operation[]> {
  const committing = [...(await editingUseCases()), ...(await rotatingUseCases()), ...(await tokenUseCases())];
  const { world, before } = committing[1] ?? assert.fail();
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`IMPORTED_${at}`, `value ${at}`]));
  return [
    ...committing,
    {
      name: "set of 50 at once",
      world,
      before,
      act: async (machine) => (await machine.set(many)).committed,
      after: { ...before, [OLD]: { gen: 2, secrets: { A: "1", B: "2", ...many } } },
    },
    {
      name: "open",
      world,
      before,
      act: async (machine) => {
        const { A, B } = await machine.secrets();
        assert.deepEqual({ A, B }, { A: "1", B: "2" });
        return null;
      },
      after: before,
    },
  ];
}
