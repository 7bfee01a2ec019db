import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The CycloneDX bill of materials of the npm package, made by npm, with a constant date and serial number. */
export function billOfMaterials(root, epoch) {
  const args = ["sbom", "--sbom-format=cyclonedx", "--omit=dev", "--omit=optional", "--package-lock-only"];
  const bill = JSON.parse(execFileSync("npm", args, { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 }));
  // npm names the bill after the folder.
  bill.metadata.component.name = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).name;
  bill.metadata.timestamp = new Date(Number(epoch) * 1000).toISOString();
  delete bill.serialNumber;
  const digest = createHash("sha256").update(JSON.stringify(bill)).digest("hex");
  // RFC 9562 §5.8: version 8 is for custom values.
  const words = [digest.slice(0, 8), digest.slice(8, 12), `8${digest.slice(13, 16)}`, `8${digest.slice(17, 20)}`];
  return `${JSON.stringify({ ...bill, serialNumber: `urn:uuid:${[...words, digest.slice(20, 32)].join("-")}` }, null, 2)}\n`;
}
