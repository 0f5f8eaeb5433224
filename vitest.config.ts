/** How the fast tests run: those that need neither root nor the built product. */
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  test: {
    // What is tested here has no time limits of its own; a busy machine must not invent one.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

// Vitest takes its configuration from the default export.
export default config;
