import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fetchPackages } from "../../scripts/fetched-packages.ts";

/** The unmodified npm package `s3rver`, with its own keys and region. */
export interface RunningS3rver extends AsyncDisposable {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const BUCKET = "unsafe";
const PROGRAM = `
  const [module, directory] = process.argv.slice(1);
  const S3rver = require(module);
  const server = new S3rver({ address: "127.0.0.1", port: 0, silent: true, directory, configureBuckets: [{ name: "${BUCKET}" }] });
  server.run().then(({ port }) => console.log(port));
`;

/** @param directory the folder of its objects */
export async function startS3rver(directory: string): Promise<RunningS3rver> {
  const packages = await fetchPackages(join(import.meta.dirname, "s3rver"));
  const module = join(packages, "node_modules", "s3rver");
  const child = spawn(process.execPath, ["-e", PROGRAM, module, directory], { stdio: ["ignore", "pipe", "ignore"] });
  const [port] = (await once(createInterface(child.stdout), "line")) as [string];
  return {
    endpoint: `http://127.0.0.1:${port}`,
    region: "us-east-1",
    bucket: BUCKET,
    accessKeyId: "S3RVER",
    secretAccessKey: "S3RVER",
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await once(child, "close");
    },
  };
}
