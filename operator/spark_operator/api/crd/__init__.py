"""The CustomResourceDefinition, written from the models; no model of the resource stands here."""
