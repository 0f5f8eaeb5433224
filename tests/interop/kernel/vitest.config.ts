/**
 * How the tests against the kernel's WireGuard run: as root, one file after the other.
 *
 * The counterpart is emulated in software and shares the machine with what it talks to, so the time
 * limits are wide and nothing here is about speed. `WG_WRAP_TEST_LONG=1` selects the tests that wait
 * for rekeys in real time.
 */
import { join } from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const long = process.env['WG_WRAP_TEST_LONG'] === '1';

const config: ViteUserConfig = defineConfig({
  cacheDir: join(import.meta.dirname, '../../../node_modules/.vite/interop-kernel'),
  test: {
    root: import.meta.dirname,
    include: [long ? '**/*.long.ts' : '**/*.test.ts'],
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
