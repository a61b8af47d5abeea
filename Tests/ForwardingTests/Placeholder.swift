import Testing

@Test("placeholder") func placeholderForwarding() {}
