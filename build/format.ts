/** `npm run format`: writes what the formatter and the safe lint fixes want. */
import { join } from "node:path";
import { must, root } from "./tools.ts";

must(join(root, "node_modules", ".bin", "biome"), ["check", "--write", "."]);
