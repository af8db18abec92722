"""The demo: living data sets of invented businesses, told to the intake as providers tell it."""
