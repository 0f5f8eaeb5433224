/**
 * How the end-to-end tests run: as root, one file after the other.
 *
 * Every file builds namespaces of its own, so files could run side by side; but time limits are part
 * of what the tests assert, and two busy tunnels on a small machine would only measure each other.
 * `WG_WRAP_TEST_LONG=1` selects the tests that wait for rekeys in real time.
 */
import { join } from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const long = process.env['WG_WRAP_TEST_LONG'] === '1';

const config: ViteUserConfig = defineConfig({
  cacheDir: join(import.meta.dirname, '../../node_modules/.vite/e2e'),
  test: {
    root: import.meta.dirname,
    include: [long ? '**/*.long.ts' : '**/*.test.ts'],
    globalSetup: ['./setup.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: long ? 600_000 : 120_000,
    hookTimeout: 120_000,
    // A second attempt would hide exactly the races that these tests are for.
    retry: 0,
  },
});

// Vitest takes its configuration from the default export.
export default config;
