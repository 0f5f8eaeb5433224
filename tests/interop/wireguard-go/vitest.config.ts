/**
 * How the tests against wireguard-go run: as root, one file after the other.
 *
 * `WG_WRAP_TEST_WIREGUARD_GO` names another executable than the `wireguard-go` of PATH. Releases
 * differ in what they batch and in how they remember their own address, so it is worth trying several.
 * The rekey in real time is one of the end-to-end tests, and heeds the same variable.
 */
import { join } from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  cacheDir: join(import.meta.dirname, '../../../node_modules/.vite/interop-wireguard-go'),
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    globalSetup: ['./setup.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A second attempt would hide exactly what another implementation is here to show.
    retry: 0,
  },
});

// Vitest takes its configuration from the default export.
export default config;
