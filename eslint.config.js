import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['node_modules', 'scripts', 'lib', 'bin', 'build'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      // Numbers in a message are always safe to print.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `return done()` in a function without a result reads as what it is.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      'max-lines': ['error', { max: 350, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 5],
      'no-console': 'error',
    },
  },
  {
    files: ['tests/**'],
    rules: {
      // A describe block is a list of cases, not a function with a flow.
      'max-lines-per-function': 'off',
      // A failing seed has to be seen.
      'no-console': 'off',
      // An index into an array that the test made itself is known to be there.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  { files: ['*.config.js'], ...tseslint.configs.disableTypeChecked },
);
