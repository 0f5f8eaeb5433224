/** How the differential tests run: against a pump that is built for them, with its body of memory. */
import { join } from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  cacheDir: join(import.meta.dirname, '../../node_modules/.vite/differential'),
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    globalSetup: ['./setup.ts'],
    pool: 'forks',
    testTimeout: 60_000,
  },
});

// Vitest takes its configuration from the default export.
export default config;
