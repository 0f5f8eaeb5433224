/**
 * How the tests with wg(8) and wg-quick(8) run: as root, one file after the other.
 *
 * Every file builds namespaces of its own, with a /run/wireguard and a /dev/net/tun of their own.
 */
import { join } from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  cacheDir: join(import.meta.dirname, '../../../node_modules/.vite/interop-device'),
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    globalSetup: ['./setup.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A second attempt would hide exactly the races that these tests are for.
    retry: 0,
  },
});

// Vitest takes its configuration from the default export.
export default config;
