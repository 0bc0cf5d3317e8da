process.env.TZ = 'UTC';
module.exports = {
  testEnvironment: 'jsdom',
  roots: ['<rootDir>/src'],
  setupFiles: ['<rootDir>/test/polyfill.cjs'],
  transform: { '^.+\\.[cm]?[jt]sx?$': '<rootDir>/test/transform.cjs' },
  transformIgnorePatterns: [], // Grafana's packages come as modules
  moduleNameMapper: { '\\.css$': '<rootDir>/test/text.cjs' },
};
